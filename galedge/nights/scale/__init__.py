"""Beyond one machine: thin adapters to engines that exist (Dask, Kafka)."""
