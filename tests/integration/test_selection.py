#!/usr/bin/python3
"""Which parameters are meant: by name, as AWS holds names; by type, tier, key and tags; and never
what belongs to somebody else. A selector that selects nothing is told, and is no success."""
import unittest

from replication import SOURCE, Replication

COPY = 'us-east-1'
CONFIG = '''
source: { region: ap-south-1, endpoint_url: "URL" }
destinations: [{ region: us-east-1, endpoint_url: "URL", keys: { "*": alias/aws/ssm } }]
parameters: { RULES }
'''


class Selection(Replication):
    def go(self, *words, rules='', **how):
        config = CONFIG.replace('URL', self.witness.url).replace('RULES', rules)
        return self.run_it(*words, config=config, **how)

    def copied(self, rules, **how):
        """The names that a sync by these rules leaves, before they are taken away again."""
        self.go('sync', rules=rules, **how)
        names = sorted(self.state(COPY))
        if names:
            self.ssm(COPY).delete_parameters(
                Names=[name if '/' not in name else '/' + name for name in names])
        return names

    def test_r25_a_root_name_is_the_same_with_and_without_its_slash(self):
        self.put('plain', 'v')
        self.put('/slashed', 'v')
        for pattern in ('plain', '/plain'):
            self.assertEqual(self.copied(f'include: ["{pattern}"]'), ['plain'])
        for pattern in ('slashed', '/slashed', '/slash*', 'slas?ed'):
            self.assertEqual(self.copied(f'include: ["{pattern}"]'), ['slashed'])
        self.assertEqual(self.copied('include: ["*"]'), ['plain', 'slashed'])

    def test_r26_selectors_that_could_match_nothing_are_refused(self):
        for pattern, words in (('/', "write '/**'"), ('/prod/app/', "write '/prod/app/**'"),
                               ('a/b', "write '/a/b'"), ('/a//b', 'an empty level'),
                               ('/a b', 'cannot occur'), ('/a:3', 'a version or label'),
                               ('/a:prod', 'a version or label'), ('', 'no value')):
            done = self.go('sync', rules=f'include: ["{pattern}"]', status=2)
            self.assertIn(words, done.err)

    def test_r26_a_selector_that_matches_nothing_is_told(self):
        self.put('/a/b', 'v')
        done = self.go('plan', rules='include: ["/a/**", "/typo/**"], exclude: ["/a/typo"], '
                                     'rename: [{ from: /typo, to: /x }], '
                                     'select: { types: [String, StringList], tags: [] }')
        for words in ("include '/typo/**'", "exclude '/a/typo'", "rename '/typo'",
                      "types 'StringList'"):
            self.assertIn(words + ' matches nothing in ap-south-1', done.out)
        self.assertNotIn("include '/a/**'", done.out)

    def test_r26_selectors_that_select_nothing_at_all_are_a_failure(self):
        self.put('/a', 'v')
        for words in ('sync', 'verify', 'apply'):
            self.go(words, rules='include: "/typo/**"', status=1)
        self.go('verify', rules='select: { types: StringList }', status=1)
        self.go('verify', rules='exclude: "/**"')

    def test_r02_a_name_that_is_not_there_is_accounted_for(self):
        self.put('/a', 'v')
        done = self.go('sync', '--json', rules='include: ["/a", "/b"]', status=4)
        self.assertEqual((done.summary['applied'], done.summary['absent']), (1, 1))
        self.assertEqual(done.lines[0]['unmatched'], [{'selector': 'include', 'text': '/b'}])

    def test_stars_stay_in_a_level_and_two_do_not(self):
        for name in ('/a/x', '/a/b/x', '/a/b/c/x', '/ab/x'):
            self.put(name, 'v')
        self.assertEqual(self.copied('include: ["/a/*"]'), ['a/x'])
        self.assertEqual(self.copied('include: ["/a/**"]'), ['a/b/c/x', 'a/b/x', 'a/x'])
        self.assertEqual(self.copied('include: ["/a/**/x"]'), ['a/b/c/x', 'a/b/x'])
        self.assertEqual(self.copied('include: ["/a*/x"], exclude: ["/ab/**"]'), ['a/x'])

    def test_by_type_tier_and_tags(self):
        self.put('/plain', 'v', Tags=[{'Key': 'team', 'Value': 'orders'}])
        self.put('/list', 'a,b', Type='StringList', Tags=[{'Key': 'team', 'Value': 'payments'}])
        self.put('/secret', 'v', Type='SecureString', Tags=[{'Key': 'dr', 'Value': ''}])
        self.put('/large', 'v', Tier='Advanced', Tags=[{'Key': 'dr', 'Value': 'no'},
                                                       {'Key': 'team', 'Value': 'orders'}])
        for rules, names in (
                ('types: [StringList, SecureString]', ['list', 'secret']),
                ('tiers: Advanced', ['large']), ('tags: team', ['large', 'list', 'plain']),
                ('tags: [team=payments, dr=no]', ['large', 'list']), ('tags: "dr="', ['secret']),
                ('tags: team=orders, types: String, tiers: Standard', ['plain'])):
            self.assertEqual(self.copied('select: { %s }' % rules), names, rules)
        done = self.go('sync', rules='select: { types: string }', status=2)
        self.assertIn("'string' is none of the types of a parameter", done.err)

    def test_by_key(self):
        self.key('alias/prod', SOURCE)
        self.put('/prod', 'v', Type='SecureString', KeyId='alias/prod')
        self.put('/default', 'v', Type='SecureString')
        self.put('/plain', 'v')
        self.assertEqual(self.copied('allow: default-key, select: { keys: alias/prod }'), ['prod'])
        self.assertEqual(self.copied('select: { keys: alias/aws/ssm }'), ['default'])

    def test_what_is_not_chosen_keeps_its_copy(self):
        self.put('/a', 'v', Tags=[{'Key': 'dr', 'Value': 'yes'}])
        self.put('/b', 'v', Tags=[{'Key': 'dr', 'Value': 'yes'}])
        rules = 'deletes: owned, delete_grace: 0, max_delete: 100%, select: { tags: dr }'
        self.go('sync', rules=rules)
        self.ssm().remove_tags_from_resource(ResourceType='Parameter', ResourceId='/b',
                                             TagKeys=['dr'])
        self.go('sync', rules=rules)
        self.assertEqual(sorted(self.state(COPY)), ['a', 'b'])

    def test_what_belongs_to_others_is_left_alone(self):
        self.put('/cdk-bootstrap/hnb659fds/version', '21')
        self.put('/a', 'v')
        done = self.go('sync')
        self.assertIn("1 name of the AWS CDK's bootstrap", done.out)
        self.assertEqual(sorted(self.state(COPY)), ['a'])
        self.go('sync', rules='include: ["/cdk-bootstrap/**"]')
        self.assertEqual(len(self.state(COPY)), 2)
        done = self.go('sync', rules='include: ["/aws/reference/secretsmanager/x"]', status=2)
        self.assertIn('replicate the secret itself', done.err)
        for name in ('/aws/x', '/ssm/x', 'AWSx', '/awsome/**', 'ssm-x'):
            done = self.go('sync', rules=f'include: ["{name}"]', status=2)
            self.assertIn('belong to AWS', done.err)

    def test_two_names_that_would_be_one_are_refused(self):
        self.put('/a/x', '1')
        self.put('/b/x', '2')
        done = self.go('sync', rules='rename: [{ from: /a, to: /c }, { from: /b, to: /c }]',
                       status=1)
        self.assertIn('/c/x', done.err.replace(' c/x', ' /c/x'))
        self.assertEqual(self.state(COPY), {})
        # A rename is literal, and whole levels.
        self.put('/a.b/x', '3')
        self.assertEqual(self.copied('rename: [{ from: /a, to: /c }], exclude: "/b/**"'),
                         ['a.b/x', 'c/x'])


if __name__ == '__main__':
    unittest.main()
