"""What a client of the sandbox's S3 is told. Everybody may know it."""

ACCESS_KEY = "SANDBOX0ACCESS0KEY00"
SECRET_KEY = "sandbox-secret-access-key-of-everybody"  # noqa: S105

BUCKET = "crewline-photos"
REGION = "us-east-1"

R2_BUCKET = "crewline-photos-r2"
R2_REGION = "auto"
