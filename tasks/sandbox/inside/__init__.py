"""What runs in the sandboxed processes.

It imports only the standard library, as little as it can, and itself.
"""
