"""The engine: sessions over models, token trees, verification, and the one decoding loop."""
