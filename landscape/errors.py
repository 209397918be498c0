"""The one error that means: the input is wrong, and here is what to do; and the way out of Hydra."""


class InputError(ValueError):
    """Wrong configuration or data.

    The message names the config key, the value and what to do; the command line prints it without a
    traceback and exits with status 2.
    """


class Exit(SystemExit):
    """Our own exit status, told apart from Hydra's."""
