"""Plants, creatures and the ground they live on."""
