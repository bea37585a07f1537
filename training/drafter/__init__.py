"""A draft trained for a target: prompts in, the target's own text, labels, and a folder that holds layers alone out."""
