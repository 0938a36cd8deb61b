"""A traced application of RQ. ``rq worker --config jobs`` imports it before it forks."""

from traced import work


def job(number):
    work(number)
