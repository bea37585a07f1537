"""What runs in the sandboxed processes; imports only the standard library, as little as it can, and itself."""
