"""The methods Ouroboros is compared with; one file, one method."""
