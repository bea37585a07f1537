"""In: records. Out: every figure of the harness; nobody else reads what figures are made of."""
