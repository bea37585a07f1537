"""Instructions and their replies in the categories of Spec-Bench, one module a kind of question."""
