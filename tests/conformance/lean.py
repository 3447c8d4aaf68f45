"""lean: imported before boto3, it keeps out what no test needs and what is a third of the time that
boto3 takes to load: AWS's C runtime, and a second binding of OpenSSL."""
import sys

for unwanted in ('awscrt', 'urllib3.contrib.pyopenssl'):
    sys.modules.setdefault(unwanted, None)
