"""Commands of the command line, one a module, each the function of its module's name."""
