"""Practice: mock interviews with their checklists, and the training that follows from them."""
