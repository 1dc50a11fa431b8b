"""Film, sound, lectures and documents sized for the link: recipes that see a file and a spec, and nothing else."""
