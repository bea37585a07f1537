"""python -m bench.figures FOLDER...: figures of the finished runs below some folders, from their summaries alone."""
