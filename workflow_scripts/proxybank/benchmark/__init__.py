"""What scoring costs: the plain code of the papers, and measurements of it and of our passes."""
