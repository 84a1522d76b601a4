"""Results that were pushed to S3 come back from it; what is wrong with the remote is one line, and nothing is lost."""

import json
import shutil
import socket

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from tests.workflow.project import Project

COMMIT = "git add -A . && git -c user.name=t -c user.email=t@t commit -qm done"
WEIGHTS = "artifacts/trained/tiny/digits/mlp/0/model.safetensors"
ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
NOBODY = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
}
"""The usual places of credentials, all of them empty."""


@pytest.fixture(scope="module")
def s3():
    """A real S3 API on the loopback address that checks credentials; its address and one user's keys."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    admin = {
        "endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"
    }  # fmt: skip
    boto3.client("s3", **admin).create_bucket(Bucket="results")
    iam = boto3.client("iam", **admin)
    iam.create_user(UserName="assay")
    iam.put_user_policy(UserName="assay", PolicyName="s3", PolicyDocument=json.dumps(ALLOWED))
    key = iam.create_access_key(UserName="assay")["AccessKey"]
    assert requests.post(f"{url}/moto-api/reset-auth", data=b"0", timeout=10).ok
    yield url, NOBODY | {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]
    }  # fmt: skip
    server.stop()


@pytest.fixture(scope="module")
def origin(tiny, tmp_path_factory, s3):
    """A project whose results were pushed to S3."""
    url, keys = s3
    folder = tmp_path_factory.mktemp("origin") / "origin"
    project = Project(shutil.copytree(tiny.folder, folder, symlinks=True))
    pushed = project.run(
        f"dvc remote add -d store s3://results/all && dvc remote modify store endpointurl {url}"
        f" && dvc push && {COMMIT}",
        **keys,
    )
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    return project


@pytest.fixture
def clone(origin, tmp_path):
    """A clone of it."""
    assert origin.run(f"git clone -q . {tmp_path}/clone").returncode == 0
    return Project(tmp_path / "clone")


def files(project):
    return sorted(
        str(path)
        for path in project.folder.rglob("*")
        if not {".dvc", ".git", ".snakemake"} & set(path.parts)
    )


def refused(project, keys):
    """Return the one line with which a restore ends that changes nothing."""
    before = files(project)
    restored = project.run("assay restore", **keys)
    assert (restored.returncode, restored.stdout) == (2, ""), restored.stdout + restored.stderr
    [line] = restored.stderr.splitlines()
    assert ": not in DVC's cache (dvc fetch: " in line
    assert line.endswith("; nothing was changed")
    assert files(project) == before
    return line


def test_a_clone_is_restored_from_s3_and_has_nothing_to_do(clone, s3):
    restored = clone.run("assay restore", **s3[1])
    assert (restored.returncode, restored.stderr) == (0, "")
    assert clone.jobs("suite=tiny") == {}
    assert "up to date" in clone.run("dvc status").stdout


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"AWS_ACCESS_KEY_ID": "AKIAWRONGWRONGWRONG0"}, "Forbidden"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "Forbidden"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "Unable to locate credentials"),
    ],
)
def test_wrong_credentials_are_one_line(clone, s3, changes, words):
    assert words in refused(clone, s3[1] | changes)


def test_a_server_that_cannot_be_reached_is_one_line(clone, s3):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        assert clone.run(f"dvc remote modify --local store endpointurl {url}").returncode == 0
        assert url in refused(clone, s3[1])


def test_an_object_that_the_remote_lost_is_named_and_made_again(origin, clone, s3):
    url, keys = s3
    whole = (origin.folder / WEIGHTS).read_bytes()
    store = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip
    listed = store.list_objects_v2(Bucket="results", Prefix="all")["Contents"]
    [lost] = [
        each["Key"]
        for each in listed
        if each["Size"] == len(whole)
        and store.get_object(Bucket="results", Key=each["Key"])["Body"].read() == whole
    ]
    store.delete_object(Bucket="results", Key=lost)
    restored = clone.run("assay restore", **keys)
    store.put_object(Bucket="results", Key=lost, Body=whole)
    assert restored.returncode == 1
    [line] = restored.stderr.splitlines()
    assert line.startswith(f"{WEIGHTS}: not in DVC's cache (dvc fetch: ")
    assert line.endswith("; the next run makes it again")
    ran = clone.run("snakemake --cores 2 --quiet all")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert (clone.folder / WEIGHTS).read_bytes() == whole
