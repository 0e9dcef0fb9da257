"""The training of what curation uses: the quality score and the orienter."""
