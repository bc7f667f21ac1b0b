"""Demo data: two tenants with people, candidates and interviews, small for a first look, large to measure with."""
