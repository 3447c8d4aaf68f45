"""aws_cli: the aws command line of Debian, many times without starting Python for each.

`aws` spends more than a second on its imports. A helper process makes them once, reads each
service's model once, and then, for each call, runs the program's own entry point in a fork of
itself, with an environment and standard streams of its own. (Not in the test's process: Debian's
awscli and boto3 cannot share one.)
"""
import atexit
import json
import os
import subprocess
import sys
import tempfile
import traceback

PYTHON = '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else sys.executable
FIRST = 4  # of the words that a test gives, behind those that `run` puts before them
helper = None
answers = []


def run(url, arguments, env):
    """Standard output, or subprocess.CalledProcessError; `answers` are then what the server sent:
    [operation, HTTP status, content type, body, a REST service's error]."""
    global helper
    if helper is None:
        helper = subprocess.Popen([PYTHON, __file__], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        atexit.register(stop)
    words = ['--endpoint-url', url, '--output', 'json', *arguments]
    print(json.dumps([words, env]), file=helper.stdin, flush=True)
    status, out, err, sent = json.loads(helper.stdout.readline())
    answers[:] = [json.loads(line) for line in sent.splitlines()]
    if status != 0:
        raise subprocess.CalledProcessError(status, ['aws', *words], out, err)
    return out


def stop():
    helper.stdin.close()
    helper.wait()
    helper.stdout.close()


def child(create_clidriver, loader, arguments, env, out, err, sent):
    data = {'AWS_DATA_PATH': os.environ['AWS_DATA_PATH']}  # set by the program's imports
    os.environ.clear()
    os.environ.update(env, **data)
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    sys.stdout = os.fdopen(1, 'w', encoding='utf-8')
    sys.stderr = os.fdopen(2, 'w', encoding='utf-8')
    status = 255
    try:
        driver = create_clidriver()
        driver.session.register_component('data_loader', loader)
        driver.session.register('response-received.*.*', lambda **event: note(event, sent))
        status = driver.main(arguments)
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def note(event, sent):
    answer = event['response_dict']
    if answer is not None:
        body = answer['body']
        sent.write(json.dumps([event['event_name'].rpartition('.')[2], answer['status_code'],
                               answer['headers'].get('content-type', ''),
                               body.decode() if isinstance(body, bytes) else '',
                               answer['headers'].get('x-amzn-errortype')]).encode() + b'\n')
        sent.flush()


def fork_and_run(create_clidriver, loader, arguments, env):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, \
            tempfile.TemporaryFile() as sent:
        pid = os.fork()
        if pid == 0:
            child(create_clidriver, loader, arguments, env, out, err, sent)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for file in (out, err, sent):
            file.seek(0)
            texts.append(file.read().decode())
    return [status, *texts]


def read_models(loader, service):
    """What the program would read in each fork, and the loader keeps."""
    from botocore.exceptions import DataNotFoundError
    for kind in ('service-2', 'paginators-1', 'waiters-2', 'endpoint-rule-set-1'):
        try:
            loader.load_service_model(service, kind)
        except DataNotFoundError:
            pass  # no such service, or none of this kind
    for name in ('cli', 'endpoints', 'partitions', '_retry'):
        try:
            loader.load_data(name)
        except DataNotFoundError:
            pass  # of another version of the program


def serve():
    from awscli.clidriver import create_clidriver
    loader = create_clidriver().session.get_component('data_loader')
    for line in sys.stdin:
        arguments, env = json.loads(line)
        read_models(loader, next(word for word in arguments[FIRST:] if not word.startswith('-')))
        print(json.dumps(fork_and_run(create_clidriver, loader, arguments, env)), flush=True)


if __name__ == '__main__':
    serve()
