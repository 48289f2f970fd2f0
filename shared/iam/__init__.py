"""An administrator's view of the people of their own organization: invite, rename, promote, reset, shut out, let in.

    invited (temporary password, 72 h, one sign-in) --own password--> active <--reactivate-- deactivated
                       ^                                    |  \\--deactivate-->--/
                       \\-----------reset_password----------/

Who is not an owner neither makes nor touches one. The last active owner stays one, and nobody shuts themself out. What
takes a right away (reset, deactivation, another role, logout) ends every session of the person in the same transaction.
The accounts themselves are in `shared/identity`. Start at `service.py`.
"""
