"""Runs the tests of this folder (all, or those named: test_x.Class.test_y) and closes with a line of counts."""
import sys
import unittest


def main(names):
    loader = unittest.defaultTestLoader
    suite = loader.loadTestsFromNames(names) if names else loader.discover('.')
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    passed = result.testsRun - failed - len(result.skipped) - len(result.expectedFailures)
    print('%d passed, %d failed, %d skipped' % (max(passed, 0), failed, len(result.skipped)))
    return failed > 0 or result.testsRun == 0


sys.exit(main(sys.argv[1:]))
