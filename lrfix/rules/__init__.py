"""One module a rule, named as its page: a property, the runs it is asked of, a message."""
