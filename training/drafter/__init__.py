"""A draft trained for a target.

Prompts go in; the target's own text and labels follow; a folder that holds layers alone comes out.
"""
