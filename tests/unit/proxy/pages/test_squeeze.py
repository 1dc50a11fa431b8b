"""Our scripts as they are served, smaller and the same."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import proxy.pages
from proxy.pages.squeeze import squeezed

SCRIPTS = sorted((Path(proxy.pages.__file__).parent / "static").glob("*.js"))


@pytest.mark.parametrize(
    ("written", "served"),
    [
        ("// a comment\nlet a = 1;\n", "let a=1;\n"),
        ("  go(a, b); // and why\n", "go(a,b);\n"),
        ('say("a - b, c", 1 + 2);\n', 'say("a - b, c",1+2);\n'),
        ("const f = async (x) => {\n  return x > 1 ? [x] : x;\n};\n", "const f=async(x)=>{\nreturn x>1?[x]:x;\n};\n"),
        ("let a = b\nlet c = d\n", "let a=b\nlet c=d\n"),
    ],
)
def test_spaces_and_comments_go_and_strings_and_line_ends_stay(written: str, served: str) -> None:
    assert squeezed(written) == served


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_of_ours_has_what_squeezing_would_change(script: Path) -> None:
    text = script.read_text("utf-8")
    for two in ("+ +", "- -", '\\"'):
        assert two not in text, two
    assert not re.search(r"\"[^\"\n]*[;{},] //[^\"\n]*\"", text)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node on this machine")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_it_still_is_a_script(script: Path, tmp_path: Path) -> None:
    served = tmp_path / "served.js"
    served.write_text(f"(function(){{{squeezed(script.read_text('utf-8'))}}});", "utf-8")
    done = subprocess.run(["node", "--check", str(served)], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
