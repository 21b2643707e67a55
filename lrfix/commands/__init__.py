"""The subcommands, one module each; ``lrfix.cli`` loads the one that is asked for."""
