"""The report for IT staff as a page: what was spent and saved, what was withheld, which allowances ran out."""
