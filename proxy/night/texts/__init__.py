"""What a followed course says in words, had by night through the institute's account, and who may read it."""
