"""A shape autoencoder: points on a surface -> latent tokens -> signed distances anywhere (TripoSG's SDF VAE)."""
