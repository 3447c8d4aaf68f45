"""Syncs that are killed at a random moment or whose calls fail at random; then one clean run.

Each round changes the source, runs `understudy sync` into trouble, and runs it once more without:
source and copies are then equal in every field, and no copy has more versions than the changes of
its source called for. FAULT_ROUNDS says how many rounds, FAULT_SEED makes another run.
"""
import os
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'integration'))
from replication import COPIES, SOURCE, Replication  # noqa: E402
from local_server import main  # noqa: E402

PARAMETERS = 12
CONFIG = '''
source: {{ region: {source}, endpoint_url: "{url}" }}
destinations:
  - {{ region: {first}, endpoint_url: "{url}" }}
  - {{ region: {second}, endpoint_url: "{url}" }}
parameters:
  include: ["/prod/**"]
  labels: true
'''
TROUBLE = ('kill', 'error', 'error after', 'reset', 'reset after', 'truncate', 'throttle', 'all')


def rules(trouble):
    """Faults of that kind for one call in 16, of all kinds for one in 60 each. Throttling slows all
    that comes behind it down: one in 40."""
    kinds = {'error': {'kind': 'error', 'code': 'InternalServerError', 'status': 500},
             'error after': {'kind': 'error', 'code': 'InternalServerError', 'status': 500,
                             'when': 'after'},
             'reset': {'kind': 'reset'}, 'reset after': {'kind': 'reset', 'when': 'after'},
             'truncate': {'kind': 'truncate'}, 'throttle': {'kind': 'throttle'}}
    if trouble == 'all':
        return [dict(kind, probability=1 / 60) for kind in kinds.values()]
    return [dict(kinds[trouble], probability=1 / (40 if trouble == 'throttle' else 16))]


class SyncFaults(Replication):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get('FAULT_SEED', 12))  # the same in each run
        print(f'FAULT_SEED={self.seed}', flush=True)
        self.chance = random.Random(self.seed)
        self.kept = {}  # what the source holds: name to its value, description and tags
        self.written = {}  # how many times a copy had to be written
        self.number = 0

    # --- the source changes --------------------------------------------------------------------
    def fresh(self):
        self.number += 1
        return f'value {self.number}'

    def create(self, name):
        tags = {'round': str(self.number)}
        kind = self.chance.choice([{'Type': 'String'}, {'Type': 'SecureString'},
                                   {'Type': 'StringList'}, {'Type': 'String', 'Tier': 'Advanced'}])
        self.put(name, self.fresh(), Description=self.fresh(), **kind,
                 Tags=[{'Key': key, 'Value': value} for key, value in tags.items()])
        self.kept[name] = kind
        self.written[name] = 1

    def overwrite(self, name):
        self.put(name, self.fresh(), Overwrite=True, Description=self.fresh(), **self.kept[name])
        self.written[name] += 1

    def tag(self, name):
        self.ssm().add_tags_to_resource(
            ResourceType='Parameter', ResourceId=name,
            Tags=[{'Key': self.chance.choice('abc'), 'Value': self.fresh()}])

    def label(self, name):
        self.ssm().label_parameter_version(Name=name, Labels=[self.chance.choice(['now', 'blue'])])

    def change(self):
        for name in (f'/prod/{number:02}' for number in range(PARAMETERS)):
            if name not in self.kept:
                if self.chance.random() < 0.6:
                    self.create(name)
            elif self.chance.random() < 0.4:
                self.chance.choice([self.overwrite, self.tag, self.label])(name)

    # --- a run in trouble, and a clean one ------------------------------------------------------
    def sync_killed(self):
        process = subprocess.Popen(self.command('sync', config=self.config, flags=False),
                                   env=self.environment(), cwd=self.folder,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Event().wait(self.chance.uniform(0, 0.25))
        process.kill()
        process.wait()

    def sync_in_trouble(self, trouble):
        if trouble == 'kill':
            return self.sync_killed()
        self.server.control('POST', 'faults', {'seed': self.chance.randrange(1 << 31),
                                               'rules': rules(trouble)})
        done = self.run_it('sync', config=self.config, flags=False, status=None)
        self.server.control('DELETE', 'faults')
        self.assertIn(done.status, (0, 1, 4), done.err)
        return None

    def labels(self, region):
        """Which labels the newest version of each has."""
        found = {}
        for name in self.kept:
            history = self.ssm(region).get_parameter_history(Name=name)['Parameters']
            found[name] = sorted(history[-1].get('Labels', []))
        return found

    def test_one_clean_run_after_any_trouble(self):
        self.config = CONFIG.format(source=SOURCE, url=self.server.url, first=COPIES[0],
                                    second=COPIES[1])
        rounds = int(os.environ.get('FAULT_ROUNDS', '8'))
        for at in range(rounds):
            trouble = TROUBLE[at % len(TROUBLE)]
            self.change()
            self.sync_in_trouble(trouble)
            self.run_it('sync', config=self.config, flags=False)
            with self.subTest(seed=self.seed, round=at, trouble=trouble):
                self.assertCopied()
                for region in COPIES:
                    self.assertEqual(self.labels(region), self.labels(SOURCE), region)
                    self.assertEqual(
                        self.versions(region),
                        {name.removeprefix('/'): count for name, count in self.written.items()})
        print(f'{rounds} rounds, {len(self.kept)} parameters, '
              f'{sum(self.written.values())} writes a copy', flush=True)


if __name__ == '__main__':
    main()
