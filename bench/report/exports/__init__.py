"""In: finished runs. Out: their records in the formats that other tools read, docs/exports.md."""
