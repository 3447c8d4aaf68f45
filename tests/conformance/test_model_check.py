"""The checker itself: it must find what is wrong with an answer."""
import json
import unittest

import model_check


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
        for bad in ({'Parameter': []}, {'Parameter': {'Version': '1'}},
                    {'Parameter': {'LastModifiedDate': '2026-01-01'}}):
            self.assertEqual(len(self.findings('GetParameter', bad)), 1, bad)

    def test_bad_errors_have_findings(self):
        for bad, status in (({'message': 'm'}, 400),
                            ({'__type': 'ParameterNotFound'}, 500),
                            ({'__type': 'InternalServerError'}, 400)):
            self.assertEqual(len(self.findings('GetParameter', bad, status)), 1, bad)

    def test_requests(self):
        def findings(text, operation='PutParameter'):
            return model_check.check_request('ssm', operation, text)
        self.assertEqual(findings('{"Name": "a", "Value": "v", "Overwrite": true}'), [])
        for bad in ('{"Name": "a"}', '{"Name": "a", "Value": 1}', '[]', '{',
                    '{"Name": "a", "Value": "v", "Tags": [{"Key": "k"}]}'):
            self.assertEqual(len(findings(bad)), 1, bad)

    def test_requests_of_query_services(self):
        def findings(text):
            return model_check.check_request('sts', 'AssumeRole', text, 'query')
        good = 'Action=AssumeRole&Version=2011-06-15&RoleArn=a&RoleSessionName=s'
        self.assertEqual(findings(good + '&Tags.member.1.Key=k'), [])
        self.assertEqual(len(findings(good.replace('RoleArn=a&', ''))), 1)


@unittest.skipIf('older' in model_check.model('ssm'), 'what older models do not know is no finding')
class Newest(unittest.TestCase):
    """What is unknown."""
    findings = ModelCheck.findings

    def test_unknown_members_values_errors_and_operations(self):
        for bad in ({'Other': 1}, {'Parameter': {'Tier': 'Standard'}},
                    {'Parameter': {'Type': 'Number'}}):
            self.assertEqual(len(self.findings('GetParameter', bad)), 1, bad)
        self.assertEqual(len(self.findings('GetParameter', {'__type': 'NoSuchCode'}, 400)), 1)
        self.assertEqual(len(self.findings('GetParameter', {
            '__type': 'ParameterNotFound', 'Message': 'm'}, 400)), 1)
        self.assertEqual(len(self.findings('NoSuchOperation', {})), 1)
        for operation, text in (('PutParameter', '{"Name": "a", "Value": "v", "Other": 1}'),
                                ('PutParameter', '{"Name": "a", "Value": "v", "Tier": "Big"}'),
                                ('NoSuchOperation', '{}')):
            self.assertEqual(len(model_check.check_request('ssm', operation, text)), 1, text)
        self.assertEqual(len(model_check.check_request(
            'sts', 'GetCallerIdentity', 'Action=GetCallerIdentity&Other=1', 'query')), 1)

    def test_unknown_in_xml(self):
        self.assertEqual(len(QueryCheck().find('GetUser', QueryCheck.GOOD.replace(
            '</UserName>', '</UserName><Other>1</Other>'))), 1)
        self.assertEqual(len(QueryCheck().find('GetUser', QueryCheck.ERROR.replace(
            'NoSuchEntity', 'NoSuchCode'), 404)), 1)


class QueryCheck(unittest.TestCase):
    SPACE = 'https://iam.amazonaws.com/doc/2010-05-08/'
    META = '<ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>'
    GOOD = (f'<GetUserResponse xmlns="{SPACE}"><GetUserResult><User><Path>/</Path>'
            '<UserName>u</UserName><UserId>AIDA</UserId><Arn>arn</Arn>'
            '<CreateDate>2026-01-01T00:00:00Z</CreateDate><Tags><member><Key>k</Key>'
            f'<Value>v</Value></member></Tags></User></GetUserResult>{META}</GetUserResponse>')
    ERROR = (f'<ErrorResponse xmlns="{SPACE}"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>'
             '<Message>m</Message></Error><RequestId>1</RequestId></ErrorResponse>')

    def find(self, operation, text, status=200, service='iam'):
        return model_check.check_answer(service, operation, status, text, 'query')

    def test_good_answers_have_no_findings(self):
        self.assertEqual(self.find('GetUser', self.GOOD), [])
        self.assertEqual(self.find('GetUser', self.ERROR, 404), [])
        self.assertEqual(self.find('DeleteUser', f'<DeleteUserResponse xmlns="{self.SPACE}">'
                                   f'{self.META}</DeleteUserResponse>'), [])

    def test_bad_answers_have_findings(self):
        for old, new in (('<Path>/</Path>', ''), ('01T00:00:00Z', '01'), ('</User>', ''),
                         ('<Path>/</Path>', '<Path>/</Path><Path>/</Path>'),
                         ('<Path>/</Path>', '<Path><x/></Path>'), (self.META, ''),
                         ('member>', 'item>'), (self.SPACE, 'http://other/'),
                         ('GetUserResult>', 'UserResult>'), ('<RequestId>1', '<RequestId>'),
                         ('<Value>v</Value>', '')):
            self.assertEqual(len(self.find('GetUser', self.GOOD.replace(old, new))), 1, new)
        self.assertEqual(len(self.find('DeleteUser', f'<DeleteUserResponse xmlns="{self.SPACE}">'
                                       f'<DeleteUserResult/>{self.META}</DeleteUserResponse>')), 1)

    def test_bad_errors_have_findings(self):
        for old, new, status in (('', '', 400), ('Sender', 'Receiver', 404), ('Sender', 'x', 404),
                                 ('Error>', 'Fault>', 404), ('</Error>', '<x/></Error>', 404),
                                 ('<Code>NoSuchEntity</Code>', '', 404)):
            self.assertEqual(len(self.find('GetUser', self.ERROR.replace(old, new), status)), 1,
                             (old, new, status))

    def test_flattened_lists_and_maps(self):
        space = 'http://queue.amazonaws.com/doc/2012-11-05/'
        good = (f'<GetQueueAttributesResponse xmlns="{space}"><GetQueueAttributesResult>'
                '<Attribute><Name>DelaySeconds</Name><Value>1</Value></Attribute><Attribute><Name>'
                'FifoQueue</Name><Value>true</Value></Attribute></GetQueueAttributesResult>'
                f'{self.META}</GetQueueAttributesResponse>')
        self.assertEqual(self.find('GetQueueAttributes', good, service='sqs'), [])
        self.assertEqual(len(self.find('GetQueueAttributes', good.replace(
            '<Name>FifoQueue</Name>', ''), service='sqs')), 1)


if __name__ == '__main__':
    unittest.main(verbosity=2)
