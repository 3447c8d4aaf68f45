"""The checker itself: it must find what is wrong with an answer."""
import json
import unittest

import model_check


@unittest.skipUnless(model_check.model('ssm'), 'no service models here')
class ModelCheck(unittest.TestCase):
    def findings(self, operation, body, status=200):
        return model_check.check_answer('ssm', operation, status, json.dumps(body))

    def test_good_answers_have_no_findings(self):
        parameter = {'Name': 'a', 'Type': 'String', 'Value': 'v', 'Version': 1,
                     'LastModifiedDate': 1.5}
        self.assertEqual(self.findings('GetParameter', {'Parameter': parameter}), [])
        self.assertEqual(self.findings('DeleteParameter', {}), [])
        self.assertEqual(self.findings('GetParameter', {'__type': 'ParameterNotFound'}, 400), [])

    def test_bad_answers_have_findings(self):
        for bad in ({'Parameter': {'Tier': 'Standard'}}, {'Parameter': []}, {'Other': 1},
                    {'Parameter': {'Version': '1'}}, {'Parameter': {'Type': 'Number'}},
                    {'Parameter': {'LastModifiedDate': '2026-01-01'}}):
            self.assertEqual(len(self.findings('GetParameter', bad)), 1, bad)

    def test_bad_errors_have_findings(self):
        for bad, status in (({'message': 'm'}, 400), ({'__type': 'NoSuchCode'}, 400),
                            ({'__type': 'ParameterNotFound', 'Message': 'm'}, 400),
                            ({'__type': 'ParameterNotFound'}, 500),
                            ({'__type': 'InternalServerError'}, 400)):
            self.assertEqual(len(self.findings('GetParameter', bad, status)), 1, bad)


if __name__ == '__main__':
    unittest.main(verbosity=2)
