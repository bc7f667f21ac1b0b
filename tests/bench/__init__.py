"""`make bench`: the portal's pages on the large demo, beside the raw SQL of the same page in the same run."""
