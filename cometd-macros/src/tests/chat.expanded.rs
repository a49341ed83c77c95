struct Chat {
    session: LocalSession,
    archive: Arc<dyn Archive>,
    lines: Mutex<Vec<String>>,
}
#[automatically_derived]
impl ::cometd::__private::Service for Chat {
    const DEFINITION: ::cometd::__private::Definition = ::cometd::__private::Definition::new(
        "chat",
        ::cometd::__private::Location::new(::core::file!(), ::core::line!(), ::core::column!())
    ).order(1);

    fn construct(
        context: &mut ::cometd::__private::ServiceContext<'_>
    ) -> ::core::option::Option<Self> {
        let field_0 = context.session();
        let field_1 = context.inject(
            ::cometd::__private::Location::new(::core::file!(), ::core::line!(), ::core::column!())
        );
        ::core::option::Option::Some(Self {
            session: field_0,
            archive: field_1?,
            lines: ::core::default::Default::default()
        })
    }
}
::cometd::__private::inventory::submit! {
    ::cometd::__private::Registration::of::<Chat>()
}

impl Chat {
    #[allow(
        clippy::needless_pass_by_value,
        clippy::unused_self,
        reason = "the server calls this, and decides how arguments are passed"
    )]
    fn open(channel: &mut ChannelConfig) {
        channel.authorizer(Grant::ALL);
    }

    #[allow(
        clippy::needless_pass_by_value,
        clippy::unused_self,
        reason = "the server calls this, and decides how arguments are passed"
    )]
    async fn line(&self, room: &str, session: &ServerSession, Data(line): Data<Line>) -> bool {
        self.archive.store(room, session, line).await
    }
}
#[automatically_derived]
impl ::cometd::__private::Handlers for Chat {
    const METHODS: &'static [::cometd::__private::Method<Self>] = &[
        ::cometd::__private::Method::configure(
            "open",
            &["/chat/**"],
            ::cometd::__private::IfExists::Error,
            ::cometd::__private::Location::new(::core::file!(), ::core::line!(), ::core::column!()),
            |_, channel| ::cometd::__private::IntoCompletion::into_completion(Self::open(channel))
        ),
        ::cometd::__private::Method::listener(
            "line",
            &["/chat/{room}"],
            ::cometd::__private::OwnPublishes::Ignore,
            ::cometd::__private::Location::new(::core::file!(), ::core::line!(), ::core::column!()),
            |service, call| ::cometd::__private::later(move || async move {
                let argument_0 = call.parameter("room")?;
                let argument_1 = ::cometd::__private::Lend::lend(&call)?;
                let argument_2 = ::cometd::__private::FromCall::from_call(&call)?;
                ::core::result::Result::Ok(::cometd::__private::IntoOutcome::into_outcome(
                    Self::line(service, &argument_0, argument_1, argument_2).await
                ))
            })
        ),
    ];
}
