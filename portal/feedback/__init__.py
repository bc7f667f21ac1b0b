"""What interviewers say of a candidate after an interview, and what it adds up to."""
