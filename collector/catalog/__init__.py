"""Where both languages meet: what each object of Mist says, as tables of metrics."""
