"""Parts that several families share. They import no family, so that whoever needs one gets nothing else."""
