"""What the audits of models do alike, whatever the framework: train copies of a model, and judge what was seen."""
