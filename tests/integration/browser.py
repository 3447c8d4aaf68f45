"""browser: a headless Chromium for a test, with a profile of its own that goes away.

    with Browser() as page:
        page.open(path)

Debian's chromium, chromium-driver and python3-selenium; `missing()` says what is not there.
"""
import os
import shutil
import tempfile

FLAGS = ('--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--disable-sync',
         '--disable-dev-shm-usage', '--force-prefers-reduced-motion')


def missing():
    try:
        import selenium  # noqa: F401
    except ImportError:
        return 'python3-selenium is not installed'
    for program in ('chromium', 'chromedriver'):
        if not shutil.which(program):
            return f'{program} is not installed'
    return None


class Browser:
    def __init__(self, *flags, width=1200, height=900):
        self.flags = [*flags, f'--window-size={width},{height}']

    def __enter__(self):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        self.folder = tempfile.mkdtemp(prefix='understudy-browser-')
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which('chromium')
        for flag in (*FLAGS, f'--user-data-dir={self.folder}', *self.flags):
            options.add_argument(flag)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
        environment = {name: value for name, value in os.environ.items()
                       if not name.lower().endswith('_proxy')}
        service = Service(shutil.which('chromedriver'), env={**environment, 'HOME': self.folder})
        self.driver = webdriver.Chrome(service=service, options=options)
        return self

    def __exit__(self, *_):
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)

    def open(self, path):
        self.driver.get(path.as_uri())
        self.wait('document.documentElement.dataset.ready === "yes"')

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition):
        from selenium.webdriver.support.ui import WebDriverWait
        WebDriverWait(self.driver, 60, 0.02).until(lambda _: self.run(f'return {condition}'))

    def find(self, selector):
        return self.driver.find_elements('css selector', selector)

    def texts(self, selector):
        return [node.text for node in self.find(selector)]

    def requests(self):
        """The addresses that were asked for since the browser was started."""
        import json
        found = []
        for entry in self.driver.get_log('performance'):
            message = json.loads(entry['message'])['message']
            if message['method'] == 'Network.requestWillBeSent':
                found.append(message['params']['request']['url'])
        return found

    def complaints(self):
        return [entry['message'] for entry in self.driver.get_log('browser')
                if entry['level'] in ('SEVERE', 'WARNING')]
