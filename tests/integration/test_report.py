#!/usr/bin/python3
"""--report: the page, in a browser: what it counts, finds and shows; hostile names are inert; it
asks for nothing over the network; no value is in it."""
import json
import re
import sys
import unittest

import browser
from replication import ACCOUNT, COPIES, SOURCE, Replication, error

CANARY = 'canary-value-never-shown'


def rows_of(path):
    """The data of a page, as the page itself reads it."""
    blocks = re.findall(r'<script type="application/json">(.*?)</script>',
                        path.read_text(encoding='utf-8'), flags=re.S)
    return [json.loads(block) for block in blocks]


class Report(Replication):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.page = cls.enterClassContext(browser.Browser())

    def setUp(self):
        super().setUp()
        self.path = self.folder / 'report.html'
        self.page.complaints()  # what other tests provoked

    def report(self, command, *words, **how):
        return self.run_it(command, '--report', str(self.path), *words, **how)

    def chips(self, group):
        """{label: (count, checked)} of the checkboxes."""
        return {label.find_element('css selector', 'span').text: (
            label.find_element('css selector', 'b').text,
            label.find_element('css selector', 'input').is_selected())
            for label in self.page.find(f'#{group} label')}

    def names(self):
        return self.page.texts('#rows td.name bdi')

    def drift(self):
        for number in range(110):
            self.put(f'/app/{number:03}', CANARY)
        self.run_it('sync')
        self.put('/app/changed', CANARY, Type='SecureString')
        self.run_it('sync')
        self.put('/app/changed', CANARY + '2', Type='SecureString', Overwrite=True)
        self.put('/app/new', CANARY, Tags=[{'Key': 'team', 'Value': CANARY}])
        self.ssm(COPIES[0]).put_parameter(Name='/app/007', Value=CANARY + '3', Type='String',
                                          Overwrite=True)

    def test_keys_are_shown_as_a_matrix(self):
        """And what stands beside it; names of all sorts are texts, and a Region may fail."""
        kms, copies = (self.server.client('kms', region) for region in (SOURCE, COPIES[1]))
        key, same = (kms.create_key(MultiRegion=True)['KeyMetadata']['KeyId'] for _ in range(2))
        config = (f'source: {{region: {SOURCE}}}\ndestinations: [' +
                  ', '.join(f'{{region: {region}}}' for region in COPIES) +
                  ']\nkms_keys: {grants: report}\n')
        self.report('sync', config=config)
        self.page.open(self.path)
        self.assertEqual(self.page.texts('#parity tbody td.what'), ['made'] * 4)
        bad = '</script><img src=x onerror="document.title=1">'
        copies.update_key_description(KeyId=key, Description='?')
        copies.tag_resource(KeyId=key, Tags=[{'TagKey': bad, 'TagValue': 'x'}])
        copies.create_grant(KeyId=same, Operations=['Decrypt'],
                            GranteePrincipal=f'arn:aws:iam::{ACCOUNT}:root',
                            Constraints={'EncryptionContextSubset': {bad: bad}})
        self.witness.rules.append(lambda call: error('AccessDeniedException', 'no')
                                  if (call.region, call.operation) == (COPIES[0], 'ListKeys')
                                  else None)
        self.report('verify', config=config, status=4)
        self.page.open(self.path)
        rows = dict(zip(self.page.texts('#parity tbody td.name bdi'), zip(
            *[iter(self.page.texts('#parity tbody td.what'))] * 2)))
        self.assertEqual(rows[key], ('not seen', f'description, tags.{bad}'))
        self.assertEqual(rows[same], ('not seen', '=, other grants'))
        self.assertEqual(self.page.texts('#parity .details tbody td')[1:], [
            COPIES[1], f'grant in {COPIES[1]}', 'only there',
            f'arn:aws:iam::{ACCOUNT}:root may Decrypt if the context has {bad}={bad}'])
        self.assertEqual(self.page.find('#parity img'), [])
        self.assertEqual(self.page.complaints(), [])

    def test_verify_shows_drift(self):
        self.drift()
        done = self.report('verify', status=3)
        self.assertIn(f'report: {self.path}', done.out)
        self.assertNotIn(CANARY, self.path.read_text(encoding='utf-8'))
        self.page.open(self.path)
        self.assertEqual(self.chips('states'), {
            'missing': ('2', True), 'differs': ('3', True), 'in sync': ('219', False)})
        self.assertEqual({place.split(' ')[0]: count for place, count in
                          self.chips('places').items()},
                         {place: ('112', True) for place in COPIES})
        self.assertIn('Not in sync', self.page.texts('#verdict')[0])
        self.assertIn('5 differ', self.page.texts('#verdict')[0])
        self.assertEqual(self.names(), ['/app/new', '/app/new', '/app/007', '/app/changed',
                                        '/app/changed'])
        self.assertIn('5 rows that fit, of 224', self.page.texts('#shown')[0])
        # The filter.
        (box,) = self.page.find('#filter')
        box.send_keys('CHANGED')
        self.page.wait('document.querySelectorAll("#rows tr").length === 2')
        self.assertEqual(self.names(), ['/app/changed'] * 2)
        self.assertEqual(self.page.texts('#rows td.what'), ['value'] * 2)
        box.clear()
        box.send_keys('nothing like it')
        self.page.wait('document.querySelectorAll("#rows tr").length === 0')
        self.page.run('arguments[0].value = ""; arguments[0].dispatchEvent(new Event("input"))',
                      box)
        self.page.wait('document.querySelectorAll("#rows tr").length === 5')
        # A status and a destination less, by the keyboard.
        for group, left in (('states', 3), ('places', 1)):
            self.page.find(f'#{group} input')[0].send_keys(' ')
            self.assertEqual(len(self.names()), left)
        self.assertEqual(self.names(), ['/app/changed'])
        # Pages: everything in sync, of the second destination.
        self.page.find('#states input')[2].send_keys(' ')
        self.assertIn('1–100 of', self.page.texts('#shown')[0])
        self.assertEqual(self.page.texts('#page'), ['page 1 of 2'])
        self.page.find('#next')[0].click()
        self.assertEqual(self.page.texts('#page'), ['page 2 of 2'])
        self.assertFalse(self.page.find('#next')[0].is_enabled())
        self.page.find('th[data-sort=name] button')[0].click()
        names = self.names()
        self.assertEqual(names, sorted(names))
        self.page.find('th[data-sort=name] button')[0].click()
        self.assertEqual(self.names()[0], '/app/changed')
        header = self.page.find('th[data-sort=name]')[0]
        self.assertEqual(header.get_attribute('aria-sort'), 'descending')
        # The charts say in words what they show.
        lag, age = self.page.find('svg[role=img]')
        self.assertRegex(lag.get_attribute('aria-label'), '^Lag: .*[0-9]+ < 1 min')
        self.assertRegex(age.get_attribute('aria-label'), '^Age of drift: 5 < 1 min')
        # Every control has a name.
        self.assertEqual(self.page.run(
            'return [...document.querySelectorAll("input,button")].filter(node => '
            '!node.textContent && !(node.labels && node.labels.length)).length'), 0)
        # On a phone rows are cards, and nothing has to be scrolled sideways.
        self.page.driver.set_window_size(500, 900)
        self.addCleanup(self.page.driver.set_window_size, 1200, 900)
        self.assertLessEqual(self.page.run('return document.documentElement.scrollWidth - '
                                           'document.documentElement.clientWidth'), 0)
        self.assertEqual(self.page.run('return getComputedStyle(document.querySelector("tbody tr"))'
                                       '.display'), 'block')
        self.assertEqual(self.page.complaints(), [])

    def test_plan_and_sync(self):
        self.put('/app/a', CANARY)
        self.report('plan')
        self.page.open(self.path)
        self.assertEqual(self.chips('states'), {'to create': ('2', True)})
        self.assertIn('Changes are planned', self.page.texts('#verdict')[0])
        self.witness.rules.append(
            lambda call: error('AccessDeniedException', 'User: arn:aws:iam::1:user/x is not '
                               'authorized to perform: ssm:PutParameter')
            if call.operation == 'PutParameter' and call.region == COPIES[1] else None)
        self.report('sync', status=4)
        self.page.open(self.path)
        self.assertEqual(self.chips('states'), {'failed': ('1', True), 'created': ('1', True)})
        self.assertIn('"Action":"ssm:PutParameter"', self.page.texts('#rows td.what')[0])
        self.assertEqual(self.page.texts('.trouble code'), [
            '{"Effect":"Allow","Action":"ssm:PutParameter","Resource":"*"}'])
        self.witness.forget()
        self.report('sync')
        self.page.open(self.path)
        self.assertEqual(self.chips('states'), {'created': ('1', True), 'in sync': ('1', False)})
        self.assertIn('In sync', self.page.texts('#verdict')[0])
        self.assertNotIn(CANARY, self.path.read_text(encoding='utf-8'))

    def test_several_replications_and_a_denied_destination(self):
        self.put('/app/a', CANARY)
        self.report('plan', config='''
replications:
  - source: { region: ap-south-1 }
    destinations: [{ region: us-east-1 }]
    parameters: { include: [/app/**, /nothing/**] }
  - source: { region: ap-south-1 }
    destinations:
      - { region: eu-west-1, role_arn: "arn:aws:iam::222222222222:role/nobody" }
      - { region: eu-west-2 }
''', status=4)
        self.page.open(self.path)
        self.assertEqual(len(rows_of(self.path)), 2)
        self.assertEqual([place.split(' ')[0] for place in self.chips('places')],
                         ['us-east-1', 'eu-west-1', 'eu-west-2'])
        (missing, denied, unmatched) = sorted(
            self.page.texts('.trouble'), key=lambda text: ('Permissions' not in text, text))
        self.assertIn('"Action":"sts:AssumeRole"', missing)
        self.assertIn('eu-west-1 could not be looked at', denied)
        self.assertIn('trust policy of arn:aws:iam::222222222222:role/nobody', denied)
        self.assertIn('/nothing/** ', unmatched.replace('’', ' '))

    def test_hostile_names_are_inert(self):
        hostile = ['</script><script>document.title = "owned"</script>',
                   '<img src=x onerror="document.title = \'owned\'">',
                   '<!--<script>', '"><b id=owned>', "'quotes' & &lt;entities&gt;",
                   '\u202egnp.exe', '\u0645\u0631\u062d\u0628\u0627', 'a\u2028b', '\ud83d\ude00']
        listing = {'Parameters': [
            {'Name': '/x/' + name.encode('utf-16', 'surrogatepass').decode('utf-16'),
             'Type': 'String', 'Version': 1, 'LastModifiedDate': 1700000000, 'Tier': 'Standard',
             'DataType': 'text'} for name in hostile]}

        def lie(call):
            if call.operation == 'DescribeParameters':
                return 200, json.dumps(listing if call.region == SOURCE else {'Parameters': []})
            return None

        self.witness.rules.append(lie)
        self.report('plan')
        data = self.path.read_text(encoding='utf-8')
        self.assertEqual(data.count('<script'), 2)  # one of data, one of the page's own
        self.page.open(self.path)
        shown = self.names()
        self.assertEqual(len(shown), 2 * len(hostile))
        for name in hostile[:5]:
            self.assertEqual(shown.count('/x/' + name), 2, name)
        self.assertIn('/x/\ufffdgnp.exe', shown)  # what would turn the line is shown as odd
        self.assertNotIn('owned', self.page.driver.title)
        self.assertEqual(self.page.find('#owned, #rows img, #rows script, #rows b'), [])
        self.assertEqual(self.page.complaints(), [])

    def test_nothing_is_asked_for(self):
        self.put('/app/a', CANARY)
        self.report('plan')
        self.page.requests()
        self.page.open(self.path)
        self.assertEqual(self.page.requests(), [self.path.as_uri()])
        # Not even when a script were to try.
        for attempt in ('fetch("http://127.0.0.1:9/")', 'import("data:text/javascript,1")'):
            self.assertEqual(self.page.driver.execute_async_script(
                f'const done = arguments[0];{attempt}.then(() => done("sent"),'
                '() => done("refused"))'), 'refused', attempt)
        self.page.run('const s = document.createElement("script"); s.textContent ='
                      '"document.title = \'owned\'"; document.body.append(s)')
        self.assertNotIn('owned', self.page.driver.title)

    def test_a_report_that_cannot_be_written_is_a_failure(self):
        self.put('/app/a', CANARY)
        done = self.run_it('plan', '--report', str(self.folder / 'no' / 'report.html'), status=1)
        self.assertIn('cannot create', done.err)
        self.path.write_text('before', encoding='utf-8')
        self.report('sync', config='source: { region: ap-south-1 }\n', status=2)
        self.assertEqual(self.path.read_text(encoding='utf-8'), 'before')


if __name__ == '__main__':
    why = browser.missing()
    if why:
        print(f'{why}: nothing to test')
        sys.exit(77)
    unittest.main()
