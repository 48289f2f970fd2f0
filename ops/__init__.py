"""Running Crewline: commands, quickstart, sandbox, images, measurements. Nothing of the product imports this."""
