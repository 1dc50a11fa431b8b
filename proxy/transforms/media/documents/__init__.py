"""Light copies of documents, offered beside the original and never in its place.

Laws: a signed, encrypted or damaged document has no light copy; a copy says what the original says, word for word;
documents are opened only in the jail (`worker.py`), never in the proxy's own process.
"""

# Part of every copy's key: raise it when the same source and spec would give other bytes.
DOCUMENTS_VERSION = 1
