"""/_understudy/: the clock of a server under --testing."""
import email.utils
import time
import urllib.error

from local_server import Conformance, main

DAY = 86400


class Clock(Conformance):
    def refused_control(self, body):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.server.control('POST', 'clock', body)
        with caught.exception as error:
            self.assertEqual(error.code, 400)
            return error.read().decode()

    def test_shows_real_time_at_first(self):
        shown = self.server.clock()
        self.assertAlmostEqual(shown['time'], time.time(), delta=60)
        self.assertEqual((shown['stopped'], shown['signatures']), (False, 'clock'))

    def test_set_advance_stop_and_put_right(self):
        self.assertAlmostEqual(self.server.clock(time='2030-01-01T00:00:00Z')['time'],
                               1893456000, delta=60)
        shown = self.server.clock(time=1893456000, stopped=True)
        self.assertEqual((shown['time'], shown['text']),
                         (1893456000, '2030-01-01T00:00:00.000Z'))
        self.assertEqual(self.server.clock(advance=1.5)['time'], 1893456001.5)
        self.assertEqual(self.server.clock(advance=-0.5)['time'], 1893456001)
        self.assertTrue(self.server.clock()['stopped'])
        self.assertFalse(self.server.clock(advance=0, stopped=False)['stopped'])
        self.assertGreaterEqual(self.server.clock()['time'], 1893456001)
        shown = self.server.clock(real=True)
        self.assertAlmostEqual(shown['time'], time.time(), delta=60)

    def test_reset_puts_it_right(self):
        self.server.clock(time=0, stopped=True)
        self.server.reset()
        self.assertEqual((self.server.clock()['stopped'], self.server.clock()['signatures']),
                         (False, 'clock'))
        self.assertAlmostEqual(self.server.clock()['time'], time.time(), delta=60)

    def test_what_is_not_a_time_is_refused(self):
        for body, why in (({'time': 'soon'}, 'ISO 8601'), ({'time': None}, 'ISO 8601'),
                          ({'advance': '1'}, 'number of seconds'),
                          ({'advance': 1e300}, 'number of seconds'),
                          ({'time': 1, 'advance': 1}, 'one of'), ({'real': True, 'time': 1}, 'one'),
                          ({'time': -1}, '1970'), ({'advance': 7990 * 366 * DAY}, '9999'),
                          ({'stopped': 1}, 'true or false'), ({'signatures': 'none'}, 'signatures'),
                          ([], 'object')):
            with self.subTest(body=body):
                self.assertIn(why, self.refused_control(body))
        self.assertAlmostEqual(self.server.clock()['time'], time.time(), delta=60)

    def test_what_aws_shows_has_the_moved_time(self):
        ssm = self.client('ssm')
        self.server.clock(time='2031-02-03T04:05:06Z', stopped=True)
        ssm.put_parameter(Name='/clock', Value='v', Type='String')
        parameter = ssm.get_parameter(Name='/clock')
        self.assertEqual(parameter['Parameter']['LastModifiedDate'].timestamp(), 1927857906)
        date = parameter['ResponseMetadata']['HTTPHeaders']['date']
        self.assertEqual(email.utils.parsedate_to_datetime(date).timestamp(), 1927857906)

    def test_signatures_follow_it_unless_told_otherwise(self):
        sts, ssm = self.client('sts'), self.client('ssm')
        self.server.clock(advance=20 * 60, signatures='clock')
        found = self.refused('SignatureDoesNotMatch', sts.get_caller_identity)
        self.assertIn('Signature expired', found['Error']['Message'])
        self.refused('InvalidSignatureException', ssm.describe_parameters)
        self.server.clock(advance=DAY)
        self.assertIn('Account', sts.get_caller_identity())
        self.server.clock(advance=0, signatures='clock')
        self.refused('InvalidSignatureException', ssm.describe_parameters)

    def test_a_session_expires_by_it(self):
        keys = self.client('sts').get_session_token(DurationSeconds=900)['Credentials']
        sts = self.client('sts', keys=(keys['AccessKeyId'], keys['SecretAccessKey'],
                                       keys['SessionToken']))
        self.server.clock(advance=890)
        self.assertIn('Arn', sts.get_caller_identity())
        self.server.clock(advance=20)
        self.refused('ExpiredToken', sts.get_caller_identity)


class NotForTesting(Conformance):
    testing = False

    def setUp(self):
        pass

    def test_controls_are_shut(self):
        self.assertEqual(self.server.control('GET', 'health')['status'], 'running')
        for method, name in (('GET', 'clock'), ('POST', 'clock'), ('POST', 'reset')):
            with self.subTest(method=method, name=name):
                with self.assertRaises(urllib.error.HTTPError) as caught:
                    self.server.control(method, name, {} if method == 'POST' else None)
                with caught.exception as error:
                    self.assertEqual(error.code, 404)


if __name__ == '__main__':
    main()
