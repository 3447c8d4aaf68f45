"""LabelParameterVersion and UnlabelParameterVersion."""
from local_server import ACCOUNT, REGION, Conformance, main


class Labels(Conformance):
    def setUp(self):
        super().setUp()
        self.ssm = self.client('ssm')
        self.ssm.put_parameter(Name='/p', Value='1', Type='String')
        self.ssm.put_parameter(Name='/p', Value='2', Overwrite=True)

    def label(self, *labels, **more):
        return self.ssm.label_parameter_version(Name='/p', Labels=list(labels), **more)

    def labels(self):
        found = self.ssm.get_parameter_history(Name='/p')['Parameters']
        return [p['Labels'] for p in found]

    def test_newest_is_the_default(self):
        answer = self.label('a')
        self.assertEqual((answer['ParameterVersion'], answer['InvalidLabels']), (2, []))
        self.assertEqual(self.labels(), [[], ['a']])

    def test_labels_move(self):
        self.label('a', 'b', ParameterVersion=1)
        self.assertEqual(self.labels(), [['a', 'b'], []])
        self.label('a')
        self.assertEqual(self.labels(), [['b'], ['a']])
        self.assertEqual(self.ssm.get_parameter(Name='/p:a')['Parameter']['Value'], '2')

    def test_bad_labels_are_told(self):
        bad = ['1st', 'aws', 'AWSome', 'ssm-x', 'SSM', 'a b', 'ä', 'a/b']
        answer = self.label(*bad, 'good', 'also_good.-1')
        self.assertEqual(answer['InvalidLabels'], bad)
        self.assertEqual(self.labels()[1], ['also_good.-1', 'good'])
        self.assertEqual(self.label('1')['InvalidLabels'], ['1'])

    def test_case_counts(self):
        self.label('a', 'A')
        self.assertEqual(sorted(self.labels()[1]), ['A', 'a'])

    def test_ten(self):
        self.label(*[f'l{i}' for i in range(10)])
        self.refused('ParameterVersionLabelLimitExceeded', self.ssm.label_parameter_version,
                     Name='/p', Labels=['one-more'])
        self.assertEqual(len(self.labels()[1]), 10)
        self.label('l3')  # is there already
        self.label('one-more', ParameterVersion=1)
        self.refused('ValidationException', self.ssm.label_parameter_version, Name='/p',
                     Labels=[f'm{i}' for i in range(11)])

    def test_refusals(self):
        self.refused('ParameterNotFound', self.ssm.label_parameter_version, '', Name='/none',
                     Labels=['a'])
        self.refused('ParameterVersionNotFound', self.ssm.label_parameter_version,
                     'Systems Manager could not find version 3 of /p. Verify the version and try '
                     'again.', Name='/p', ParameterVersion=3, Labels=['a'])
        self.refused('ValidationException', self.ssm.label_parameter_version, Name='/p',
                     Labels=['x' * 101])
        self.refused('ValidationException', self.ssm.label_parameter_version, Name='/p', Labels=[])
        self.refused('ValidationException', self.ssm.label_parameter_version, Labels=['a'],
                     Name=f'arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/p')
        self.label('x' * 100)

    def test_unlabel(self):
        self.label('a', 'b', ParameterVersion=1)
        self.label('c')
        answer = self.ssm.unlabel_parameter_version(Name='/p', ParameterVersion=1,
                                                    Labels=['a', 'c', 'none'])
        self.assertEqual((answer['RemovedLabels'], answer['InvalidLabels']),
                         (['a'], ['c', 'none']))
        self.assertEqual(self.labels(), [['b'], ['c']])

    def test_unlabel_refusals(self):
        for name, version, code in (('/none', 1, 'ParameterNotFound'),
                                    ('/p', 9, 'ParameterVersionNotFound'),
                                    ('a//b', 1, 'ValidationException')):
            self.refused(code, self.ssm.unlabel_parameter_version, Name=name,
                         ParameterVersion=version, Labels=['a'])
        self.refused('ValidationException', self.ssm.unlabel_parameter_version, Name='/p',
                     Labels=['a'])


if __name__ == '__main__':
    main()
