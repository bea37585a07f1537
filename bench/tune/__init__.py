"""In: a method, a task and a space of settings. Out: the fastest settings, measured as any case is."""
