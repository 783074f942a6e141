"""Other clients' surfaces, delivered by mixpress: `mixpress.compat.mixpanel` is that of the official client."""
