"""aws_cli: the aws command line of Debian, many times without starting Python for each.

`aws` spends more than a second on its imports. A helper process makes them once and then, for each
call, runs the program's own entry point in a fork of itself, with an environment and standard
streams of its own. (Not in the test's process: Debian's awscli and boto3 cannot share one.)
"""
import atexit
import json
import os
import subprocess
import sys
import tempfile
import traceback

PYTHON = '/usr/bin/python3' if os.path.exists('/usr/bin/python3') else sys.executable
helper = None
answers = []


def run(arguments, env):
    """Standard output, or subprocess.CalledProcessError; `answers` are then what the server sent:
    [operation, HTTP status, content type, body, a REST service's error]."""
    global helper
    if helper is None:
        helper = subprocess.Popen([PYTHON, __file__], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        atexit.register(stop)
    print(json.dumps([list(arguments), env]), file=helper.stdin, flush=True)
    status, out, err, sent = json.loads(helper.stdout.readline())
    answers[:] = [json.loads(line) for line in sent.splitlines()]
    if status != 0:
        raise subprocess.CalledProcessError(status, ['aws', *arguments], out, err)
    return out


def stop():
    helper.stdin.close()
    helper.wait()
    helper.stdout.close()


def child(create_clidriver, arguments, env, out, err, sent):
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


def fork_and_run(create_clidriver, arguments, env):
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, \
            tempfile.TemporaryFile() as sent:
        pid = os.fork()
        if pid == 0:
            child(create_clidriver, arguments, env, out, err, sent)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        texts = []
        for file in (out, err, sent):
            file.seek(0)
            texts.append(file.read().decode())
    return [status, *texts]


def serve():
    from awscli.clidriver import create_clidriver
    create_clidriver()  # imports what every command needs
    for line in sys.stdin:
        print(json.dumps(fork_and_run(create_clidriver, *json.loads(line))), flush=True)


if __name__ == '__main__':
    serve()
