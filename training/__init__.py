"""Trains the bundled pair: one tokenizer, a target and a draft, on the project's own data."""
