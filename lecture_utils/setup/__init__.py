"""Make the course ready on a machine, and look at it when something is odd."""
