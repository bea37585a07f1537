"""In: a method, a task, a space of settings. Out: the fastest of them, measured as any case is."""
